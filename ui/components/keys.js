// Keys of the whole page. They press the page's own buttons, so a key and a click are one and the same.
const KEYS = { ' ': ['pause', 'play'], ArrowRight: ['step'], b: ['step_batch'], r: ['reset'], n: ['new_weights'] };
const BUSY = 'input, textarea, select, button, a, summary, [contenteditable], [role=slider], [role=combobox], [role=listbox], [role=option], [role=dialog] *';

export class Keys {
  constructor() {
    this.listen = event => this.press(event);
    document.addEventListener('keydown', this.listen);
  }

  press(event) {
    const verbs = KEYS[event.key];
    if (!verbs || event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const free = event.key !== ' ' && event.target.closest?.('button'); // only the space bar means something to a button
    if (event.target.closest?.(BUSY) && !free) return;
    const button = verbs.map(verb => document.querySelector(`.st-key-${verb} button:not(:disabled)`)).find(Boolean);
    if (!button) return;
    event.preventDefault(); // the space key would scroll
    button.click();
  }

  close() {
    document.removeEventListener('keydown', this.listen);
  }
}
