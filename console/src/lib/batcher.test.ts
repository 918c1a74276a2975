import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Batcher } from "./batcher";

describe("Batcher", () => {
  const onBatch = vi.fn<(items: number[]) => void>();
  const onOverflow = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    onBatch.mockClear();
    onOverflow.mockClear();
  });
  afterEach(() => vi.useRealTimers());

  it("hands the first on at once and gathers the rest", () => {
    const batcher = new Batcher(250, onBatch, onOverflow);
    [1, 2, 3].forEach((n) => batcher.add(n));
    expect(onBatch.mock.calls).toEqual([[[1]]]);
    vi.advanceTimersByTime(249);
    expect(onBatch).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(onBatch.mock.calls[1]).toEqual([[2, 3]]);
  });

  it("keeps the pace while items come, and is quick again after a pause", () => {
    const batcher = new Batcher(250, onBatch, onOverflow);
    batcher.add(1);
    batcher.add(2);
    vi.advanceTimersByTime(250);
    batcher.add(3);
    expect(onBatch).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(250);
    expect(onBatch.mock.calls[2]).toEqual([[3]]);
    vi.advanceTimersByTime(250);
    batcher.add(4);
    expect(onBatch.mock.calls[3]).toEqual([[4]]);
  });

  it("is bounded", () => {
    const batcher = new Batcher(250, onBatch, onOverflow);
    for (let n = 0; n < 5_002; n++) batcher.add(n);
    expect(onOverflow).toHaveBeenCalledTimes(1);
  });

  it("forgets when stopped", () => {
    const batcher = new Batcher(250, onBatch, onOverflow);
    batcher.add(1);
    batcher.add(2);
    batcher.stop();
    vi.advanceTimersByTime(1_000);
    expect(onBatch).toHaveBeenCalledTimes(1);
  });
});
