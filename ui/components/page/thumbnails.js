// Pictures, of which one is chosen: one stop for the Tab key, and arrow keys choose.
import { Roving } from '../shared/roving.js';
import { build, makeButton } from '../shared/dom.js';

const parts = new WeakMap();

class Thumbnails {
  constructor(root) {
    this.root = root;
    this.drawn = '';
    this.buttons = [];
    this.roving = new Roving(root, () => [this.buttons], button => button.click());
  }

  draw(pictures) {
    this.drawn = JSON.stringify(pictures);
    this.buttons = Object.entries(pictures).map(([name, { label, picture }]) => {
      const image = build('img', '');
      image.src = picture;
      image.alt = '';
      const button = makeButton('thumbnail', label, image, () => this.choose(name));
      button.setAttribute('role', 'radio');
      button.name = name;
      button.title = label;
      return button;
    });
    this.root.replaceChildren(...this.buttons);
  }

  show({ pictures, chosen, disabled }, choose) {
    this.choose = choose;
    if (JSON.stringify(pictures) !== this.drawn) this.draw(pictures);
    for (const button of this.buttons) {
      button.setAttribute('aria-checked', String(button.name === chosen));
      button.disabled = disabled;
    }
    this.roving.stopAt(this.buttons.find(button => button.name === chosen) ?? this.buttons[0]);
  }
}

/** data: {pictures: name -> {label, picture}, chosen: a name or null, disabled}. Called again when it changes. */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector('.thumbnails');
  if (!parts.has(root)) parts.set(root, new Thumbnails(root));
  parts.get(root).show(data, name => setTriggerValue('chosen', name));
}
