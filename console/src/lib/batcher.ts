/** What a batcher may hold; past it the batch is dropped and `onOverflow` has to fetch everything again. */
const LIMIT = 5_000;

/** Hands the first item on at once and gathers those that follow into one batch every `windowMs`. */
export class Batcher<T> {
  private held: T[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly windowMs: number,
    private readonly onBatch: (items: T[]) => void,
    private readonly onOverflow: () => void,
  ) {}

  add(item: T): void {
    if (this.timer === null) {
      this.open();
      this.onBatch([item]);
      return;
    }
    this.held.push(item);
    if (this.held.length > LIMIT) {
      this.held = [];
      this.onOverflow();
    }
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.held = [];
  }

  private open(): void {
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.held.length === 0) return;
      const batch = this.held;
      this.held = [];
      this.open();
      this.onBatch(batch);
    }, this.windowMs);
  }
}
