// What a filter may ask for, as the form's help shows it.

export interface FilterWord {
  name: string;
  text: string;
  /** A condition to begin with. */
  example: string;
}

export const FILTER_WORDS: readonly FilterWord[] = [
  { name: "scope", text: "The id of anything above it", example: "scope=" },
  { name: "tag", text: "A tag it has", example: "tag=payments" },
  { name: "attributes.…", text: "An attribute it has", example: "attributes.owner=payments" },
  { name: "kind", text: "The kind of thing", example: "kind=instance" },
  { name: "entity", text: "The id of the thing", example: "entity=" },
  { name: "key", text: "Its key", example: "key__startswith=sit" },
  { name: "name", text: "Its name", example: "name__contains=Payments" },
  { name: "organisation", text: "The id of its organisation", example: "organisation=" },
  { name: "type", text: "The type of event", example: "type__ne=check.updated" },
  { name: "actor", text: "Who did it", example: "actor=administrator" },
  { name: "from", text: "The state before", example: "from=operational" },
  { name: "to", text: "The state after", example: "to__in=down,degraded" },
  { name: "q", text: "Words in key, name and description", example: "q=payments" },
];

/** The text with one more condition. */
export function addCondition(filter: string, condition: string): string {
  const text = filter.trim().replace(/&$/, "");
  return text ? `${text}&${condition}` : condition;
}
