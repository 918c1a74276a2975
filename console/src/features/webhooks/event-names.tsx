import { EVERYTHING } from "./events";

/** Types of events and patterns, as they are written; of many, how many more there are. */
export function EventNames({ events, most = Infinity }: { events: readonly string[]; most?: number }) {
  const shown = events.slice(0, most);
  return (
    <span className="flex min-w-0 flex-wrap items-center gap-1" title={events.join("\n")}>
      {shown.map((event) => (
        <code
          key={event}
          className="max-w-full truncate rounded-sm bg-muted px-1.5 py-0.5 font-mono text-2xs text-foreground"
        >
          {event === EVERYTHING ? "* everything" : event}
        </code>
      ))}
      {events.length > shown.length ? (
        <span className="numeric text-2xs text-muted-foreground">+{events.length - shown.length}</span>
      ) : null}
    </span>
  );
}
