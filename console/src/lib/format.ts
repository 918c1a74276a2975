// Times, durations and counts as text: one place, so that a duration reads the same everywhere.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time as its largest whole unit: `12 s`, `4 min`, `3 h`, `2 d`. */
export function formatDuration(ms: number): string {
  const abs = Math.max(0, ms);
  if (abs < MINUTE) return `${Math.floor(abs / 1000)} s`;
  if (abs < HOUR) return `${Math.floor(abs / MINUTE)} min`;
  if (abs < DAY) return `${Math.floor(abs / HOUR)} h`;
  return `${Math.floor(abs / DAY)} d`;
}

/** Whole seconds in the largest unit that says them exactly: `90 s`, `90 min`, `1 d`. */
export function formatSeconds(seconds: number): string {
  const ms = seconds * 1_000;
  if (ms >= DAY && ms % DAY === 0) return `${ms / DAY} d`;
  if (ms >= HOUR && ms % HOUR === 0) return `${ms / HOUR} h`;
  if (ms >= MINUTE && ms % MINUTE === 0) return `${ms / MINUTE} min`;
  return `${seconds} s`;
}

/** How long ago `at` was; absolute once it is more than a day old. */
export function formatAgo(at: number, now: number): string {
  const age = now - at;
  if (age < 5_000) return "just now";
  return age < DAY ? `${formatDuration(age)} ago` : formatDay(at);
}

/** When something will be: `in 12 s`, or `due` once the time has come. */
export function formatIn(at: number, now: number): string {
  return at - now < 1_000 ? "due" : `in ${formatDuration(at - now)}`;
}

const DAY_FORMAT: Intl.DateTimeFormatOptions = {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
};

/** `12 Nov, 10:04` in the reader's zone. */
export function formatDay(at: number): string {
  return new Intl.DateTimeFormat(undefined, DAY_FORMAT).format(at);
}

/** `12 Nov` in the reader's zone. */
export function formatDate(at: number): string {
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" }).format(at);
}

/** `10:04:31` in the reader's zone. */
export function formatClock(at: number): string {
  return new Intl.DateTimeFormat(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(at);
}

/** The full instant with its zone, and the same instant in UTC. */
export function formatInstant(at: number, timeZone?: string): string {
  const local = new Intl.DateTimeFormat(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
    timeZone,
  }).format(at);
  const zone = timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const utc = `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return zone === "UTC" ? utc : `${local} ${zone} (${utc})`;
}

/** Microseconds with three significant digits: `95 µs`, `1.24 ms`, `318 ms`, `2.05 s`. */
export function formatMicros(us: number): string {
  if (us < 1_000) return `${Math.round(us)} µs`;
  return us < 999_500 ? `${significant(us / 1_000)} ms` : `${significant(us / 1_000_000)} s`;
}

function significant(value: number): string {
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return value.toFixed(digits);
}

/** A count with its noun: `1 component`, `1,204 components`. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** An outcome or kind of the API as words: `connect_refused` becomes `connect refused`. */
export function formatWord(word: string): string {
  return word.replaceAll("_", " ");
}
