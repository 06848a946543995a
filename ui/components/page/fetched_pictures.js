// Pictures that change faster than script runs: fetched one after the other while the page offers them.

const PERIOD_MS = 60; // between two questions
const RETRY_MS = 1000; // after one without an answer

/** @typedef {{ name: string, address: string, headers: Record<string, string> }} Offer */

export class FetchedPictures {
  /** show(pictures) paints them; end(name): those of this offer change no more; isThere(): the page still has a place for them. */
  constructor({ show, end, isThere }) {
    this.show = show;
    this.end = end;
    this.isThere = isThere;
    /** @type {Offer | null} */
    this.offer = null;
    /** @type {any} */
    this.latest = null; // the answer that came last
    this.isAsking = false;
  }

  /**
   * Fetches what is offered, until the page offers nothing or something else.
   * @param {Offer | null | undefined} offer
   */
  follow(offer) {
    this.offer = offer ?? null;
    if (this.offer && !this.isAsking) this.ask();
  }

  /** The latest pictures of what is offered, if there are some. */
  get pictures() {
    return this.offer && this.latest?.name === this.offer.name ? this.latest.pictures : null;
  }

  async ask() {
    this.isAsking = true;
    while (this.offer && this.isThere()) {
      const { name, address, headers } = this.offer;
      const asked = performance.now();
      const answer = await fetch(address, { headers, cache: 'no-store' }).catch(() => null);
      const isOver = answer?.status === 204;
      const found = answer?.ok && !isOver ? await answer.json().catch(() => null) : null;
      if (name === this.offer?.name) this.take(found, isOver);
      const rest = answer?.ok ? PERIOD_MS - (performance.now() - asked) : RETRY_MS;
      await new Promise(resolve => setTimeout(resolve, rest));
      await new Promise(requestAnimationFrame); // a hidden page asks nothing
    }
    this.isAsking = false;
  }

  take(found, isOver) {
    if (isOver) {
      this.end(this.offer?.name);
      this.offer = null; // until the page offers it again
    } else if (found && found.name === this.offer?.name) {
      this.latest = found;
      this.show(found.pictures);
    }
  }
}
