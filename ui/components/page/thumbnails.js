// Pictures of data sets, of which one is chosen: one stop for the Tab key, and arrow keys choose.
import { Roving } from '../shared/roving.js';
import { build, makeButton } from '../shared/dom.js';

const parts = new WeakMap();

class Thumbnails {
  constructor(root, pictures) {
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
    this.roving = new Roving(root, () => [this.buttons], button => button.click());
    root.replaceChildren(...this.buttons);
  }

  show({ chosen, disabled }, choose) {
    this.choose = choose;
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
  if (!parts.has(root)) parts.set(root, new Thumbnails(root, data.pictures));
  parts.get(root).show(data, name => setTriggerValue('chosen', name));
}
