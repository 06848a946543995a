// The cells of a confusion matrix, for the live view and the page of images.

/**
 * Cells row by row: truth, prediction, their count, and its share of the row, which shades the cell.
 * @param {ArrayLike<number>} counts size * size numbers, rows are the truth
 * @param {number} size number of classes
 */
export function confusionCells(counts, size) {
  return Array.from({ length: size }, (_, truth) => {
    const row = Array.from({ length: size }, (_, predicted) => counts[truth * size + predicted]);
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    return row.map((count, predicted) => ({ truth, predicted, count, share: count / total }));
  }).flat();
}

/** What a screen reader says of a cell. */
export function cellLabel({ truth, predicted, count }, names) {
  return `${names[truth]} predicted as ${names[predicted]}: ${count}`;
}
