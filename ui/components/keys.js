// Keys of the whole page. They press the page's own buttons, so a key and a click are one and the same.
const KEYS = { ' ': ['pause', 'play'], ArrowRight: ['step'] };
const BUSY = 'input, textarea, select, button, a, summary, [contenteditable], [role=slider], [role=combobox], [role=listbox], [role=option], [role=dialog] *';

export class Keys {
  constructor(keys = KEYS) {
    this.keys = keys;
    this.listen = event => this.press(event);
    document.addEventListener('keydown', this.listen);
  }

  press(event) {
    const verbs = this.keys[event.key];
    if (!verbs || event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest(BUSY) && !(event.key.startsWith('Arrow') && event.target.closest('button'))) return;
    const button = verbs.map(verb => document.querySelector(`.st-key-${verb} button:not(:disabled)`)).find(Boolean);
    if (!button) return;
    event.preventDefault(); // the space key would scroll
    button.click();
  }

  close() {
    document.removeEventListener('keydown', this.listen);
  }
}
