// Keys of the whole page, by the table in ui/keys.py. They press the page's own buttons, so a key and a click are one and the same.
const TYPING = 'input:not([type=checkbox]), textarea, select, [contenteditable], [role=slider], [role=combobox], [role=listbox], [role=option], [role=menu] *, [role=dialog] *';
const DIALOG = '[data-testid=stDialog]';
const PRESSED = 'button, a, summary, input, [role=button]'; // Space and Enter are theirs

export class Keys {
  constructor() {
    this.table = {}; // key -> names of buttons, the first that is there is pressed
    this.listen = event => this.press(event);
    document.addEventListener('keydown', this.listen);
  }

  press(event) {
    const verbs = this.table[event.key];
    if (!verbs || event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const busy = event.key === ' ' ? `${TYPING}, ${PRESSED}` : TYPING;
    if (event.target instanceof Element && event.target.closest(busy)) return;
    if (document.querySelector(DIALOG)) return; // it keeps the keys to itself, wherever the focus is
    const button = verbs.map(verb => document.querySelector(`.st-key-${verb} button:not(:disabled)`)).find(Boolean);
    if (!button) return;
    event.preventDefault(); // the space key would scroll
    button.click();
  }

  close() {
    document.removeEventListener('keydown', this.listen);
  }
}
