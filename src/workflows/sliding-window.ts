/** Work of which only so much is open at a time: the next begins as soon as any one ends. For one caller that starts it all. */
export class SlidingWindow {
  readonly #size: number;
  #open = 0;
  #failure: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(size: number) {
    this.#size = size;
  }

  /** Waits for a free place and begins. @throws what earlier work failed with, once all that is open has ended. */
  async start(work: () => Promise<void>): Promise<void> {
    while (this.#open >= this.#size) await this.#nextEnd();
    if (this.#failure !== null) await this.drain();
    this.#open++;
    void work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#open--;
        this.#wake?.();
      });
  }

  /** Waits until nothing is open. @throws what the first work to fail failed with. */
  async drain(): Promise<void> {
    while (this.#open > 0) await this.#nextEnd();
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #nextEnd(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
