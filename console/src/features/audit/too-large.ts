/** Entries of a file of what the filters find. */
export const MOST_ENTRIES = 50_000;

/** What is asked for is more than a browser should hold. */
export class TooLarge extends Error {}
