// Helpers for elements.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setText } from '../../ui/components/shared/dom.js';

/** An element with these children that counts how often its children are replaced. */
function element(...children) {
  children.forEach((child, i) => { child.nextSibling = children[i + 1] ?? null; });
  return {
    replaced: 0,
    firstChild: children[0] ?? null,
    get textContent() { return children.map(child => child.data).join(''); },
    set textContent(text) { this.replaced += 1; },
  };
}
const text = data => ({ nodeName: '#text', data });

test('a changed text keeps its text node', () => {
  const number = element(text('1'));
  setText(number, '2');
  assert.equal(number.firstChild.data, '2');
  assert.equal(number.replaced, 0);
});

test('an empty text, a first text and other children are replaced', () => {
  const calls = [[element(text('1')), ''], [element(), '1'], [element({ nodeName: 'B', data: '1' }), '2'], [element(text('1'), text('2')), '3']];
  for (const [part, words] of calls) {
    setText(part, words);
    assert.equal(part.replaced, 1);
  }
});
