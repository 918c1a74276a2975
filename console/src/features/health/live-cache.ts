// Carries live changes into the query cache: a status is written where it is held, a result joins its check's
// results, and what cannot be patched is fetched again, at most once a second.

import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { live } from "@/lib/live";
import type { Change, EntityHealth, Result } from "@/lib/types";
import { patchFleet, type Fleet } from "./fleet";
import { keys } from "./queries";

const REFETCH_EVERY_MS = 1_000;
const MOST_RESULTS = 400;

/** The entity's own state and those of its causes and checks, where a change is newer. */
export function patchHealth(health: EntityHealth, changes: readonly Change[]): EntityHealth {
  let next = health;
  for (const { id, changed } of changes) {
    const update = changed.health;
    if (update && id === health.id && update.version > next.version) next = { ...next, ...update };
    const check = next.checks?.find((candidate) => candidate.id === id);
    if (!check || !next.checks) continue;
    const result = changed.result;
    const patched = {
      ...check,
      ...(update ? { state: update.state, since: update.since, reason: update.reason } : {}),
      ...(result && (!check.last || result.at > check.last.at) ? { last: result } : {}),
    };
    next = { ...next, checks: next.checks.map((each) => (each.id === id ? patched : each)) };
  }
  return next;
}

/** Newest first, each once, within bounds. */
export function addResult(results: Result[], result: Result): Result[] {
  if (results.some((known) => known.at === result.at && known.location === result.location)) return results;
  const at = results.findIndex((known) => known.at < result.at);
  const index = at < 0 ? results.length : at;
  return [...results.slice(0, index), result, ...results.slice(index)].slice(0, MOST_RESULTS);
}

/** Does `run` at once and then at most once per interval, the last call never being lost. */
export function throttle(run: () => void, intervalMs: number): { call: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let again = false;
  const call = () => {
    if (timer !== null) {
      again = true;
      return;
    }
    run();
    timer = setTimeout(() => {
      timer = null;
      if (again) {
        again = false;
        call();
      }
    }, intervalMs);
  };
  return { call, stop: () => timer !== null && clearTimeout(timer) };
}

function concerns(health: EntityHealth, changes: readonly Change[]): boolean {
  return changes.some(
    ({ id, changed }) =>
      changed.result === undefined &&
      (id === health.id ||
        health.because.some((cause) => cause.id === id) ||
        health.checks?.some((check) => check.id === id)),
  );
}

function apply(client: QueryClient, changes: Change[], refetch: (key: readonly unknown[]) => void): void {
  client.setQueriesData<Fleet>({ queryKey: keys.trees }, (fleet) => fleet && patchFleet(fleet, changes));

  for (const [key, health] of client.getQueriesData<EntityHealth>({ queryKey: keys.healths })) {
    if (!health) continue;
    const patched = patchHealth(health, changes);
    if (patched !== health) client.setQueryData(key, patched);
    // The causes are the server's to find; everything else is right already.
    if (concerns(health, changes)) refetch(key);
  }

  for (const { id, changed } of changes) {
    if (changed.result === undefined) continue;
    const result = changed.result;
    client.setQueryData<Result[]>(keys.results(id), (held) => held && addResult(held, result));
  }

  if (changes.some(({ changed }) => changed.health)) refetch(keys.events);
  for (const { kind, changed } of changes) {
    if (changed.entity === undefined) continue;
    refetch(kind === "component" || kind === "check" ? keys.healths : keys.trees);
    if (kind === "component") refetch(keys.trees);
    if (kind === "instance" || kind === "system") refetch(keys.tags);
    if (kind === "check") refetch(["check"]);
  }
}

/** Keeps the cache in step with the live connection; stands once in the layout. */
export function LiveCache(): null {
  const client = useQueryClient();
  useEffect(() => {
    const throttles = new Map<string, ReturnType<typeof throttle>>();
    const refetch = (queryKey: readonly unknown[]) => {
      const name = JSON.stringify(queryKey);
      let entry = throttles.get(name);
      if (!entry) {
        entry = throttle(() => void client.invalidateQueries({ queryKey }), REFETCH_EVERY_MS);
        throttles.set(name, entry);
      }
      entry.call();
    };
    const leave = live.listen({
      onChanges: (changes) => apply(client, changes, refetch),
      onResync: () => {
        for (const queryKey of [keys.trees, keys.healths, keys.events, ["results"], keys.windows]) {
          refetch(queryKey);
        }
      },
    });
    return () => {
      leave();
      throttles.forEach((entry) => entry.stop());
    };
  }, [client]);
  return null;
}
