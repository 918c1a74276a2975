// Moments in fields of type `datetime-local`, which know neither zone nor seconds.

/** A moment as the value of such a field, in the reader's zone. */
export function localFieldValue(at: number): string {
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 16);
}

/** The instant that such a value means in the reader's zone; null for none. */
export function localFieldInstant(value: string): string | null {
  const at = new Date(value);
  return value === "" || Number.isNaN(at.getTime()) ? null : at.toISOString();
}
