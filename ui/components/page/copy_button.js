// A button that copies a text, and says so.
import { build, setText } from '../shared/dom.js';

/** Browsers offer the clipboard to secure pages only; the address of a computer in a class is none. */
async function copy(text, place) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = build('textarea', '');
  field.value = text;
  place.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  if (!isCopied) throw new Error('refused');
}

/** data: the text. Called again when it changes. */
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector('.copy');
  const button = build('button', 'copy-button', 'Copy the link');
  const said = build('span', 'copy-said');
  button.type = 'button';
  said.setAttribute('role', 'status');
  button.addEventListener('click', () => {
    copy(data, root).then(() => setText(said, 'Copied.'), () => setText(said, 'Not copied: select the link above.'));
  });
  root.replaceChildren(button, said);
}
