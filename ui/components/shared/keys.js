// Keyboard shortcuts of a page. They press the page's own buttons, so a key and a click do the same; ui/kit/shortcuts.py has the table.
const TYPING = 'input:not([type=checkbox]), textarea, select, [contenteditable], [role=slider], [role=combobox], [role=listbox], [role=option], [role=menu] *, [role=dialog] *';
const DIALOG = '[data-testid=stDialog]';
const PRESSED = 'button, a, summary, input, [role=button]'; // Space and Enter press these

export class Keys {
  /** table: key -> keys of Streamlit buttons; the first of them on the page is pressed. */
  constructor(table = {}) {
    this.table = table;
    this.listen = event => this.press(event);
    document.addEventListener('keydown', this.listen);
  }

  press(event) {
    const names = this.table[event.key];
    if (!names || event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const busy = event.key === ' ' ? `${TYPING}, ${PRESSED}` : TYPING;
    if (event.target instanceof Element && event.target.closest(busy)) return;
    if (document.querySelector(DIALOG)) return; // an open dialog takes all keys, wherever the focus is
    const button = names.map(name => document.querySelector(`.st-key-${name} button:not(:disabled)`)).find(Boolean);
    if (!button) return;
    event.preventDefault(); // the space key would scroll
    button.click();
  }

  close() {
    document.removeEventListener('keydown', this.listen);
  }
}
