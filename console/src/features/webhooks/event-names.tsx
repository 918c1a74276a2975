import { cn } from "@/lib/utils";
import { EVERYTHING } from "./events";

/** Types of events and patterns, as they are written; of many, how many more there are. */
export function EventNames({
  events,
  most = Infinity,
  className,
}: {
  events: readonly string[];
  most?: number;
  className?: string;
}) {
  const shown = events.slice(0, most);
  return (
    <span className={cn("flex min-w-0 items-center gap-1", className)} title={events.join("\n")}>
      {shown.map((event) => (
        <code
          key={event}
          className="max-w-full min-w-0 truncate rounded-sm bg-muted px-1.5 py-0.5 font-mono text-2xs text-foreground"
        >
          {event === EVERYTHING ? "* everything" : event}
        </code>
      ))}
      {events.length > shown.length ? (
        <span className="numeric shrink-0 text-2xs text-muted-foreground">
          +{events.length - shown.length}
        </span>
      ) : null}
    </span>
  );
}
