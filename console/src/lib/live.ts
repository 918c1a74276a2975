// The live connection: one Socket.IO socket, opened after the first paint, that carries changes and never lists.
// Components hold rooms while they show something; whoever keeps data listens for batches of changes.

import { useEffect } from "react";
import type { Socket } from "socket.io-client";
import { reachable } from "@/lib/api";
import { Batcher } from "@/lib/batcher";
import { signal } from "@/lib/signal";
import type { Change } from "@/lib/types";

/** `connecting` shows as reconnecting only once the first attempt has failed. */
export type LiveStatus = "connecting" | "live" | "reconnecting" | "polling" | "offline";

export interface LiveListener {
  onChanges: (changes: Change[]) => void;
  /** The server cannot replay what was missed: fetch again. */
  onResync: () => void;
}

interface Ack {
  ok: string[];
  denied: string[];
  seq?: number;
}

const BATCH_MS = 250;
const POLL_AFTER_MS = 10_000;
const LEAVE_HIDDEN_MS = 60_000;
const RETRY_REFUSED_MS = 3_000;
const ACK_DEADLINE_MS = 10_000;

/** How often data is fetched again while the socket is down. */
export const POLL_MS = 15_000;

export class LiveConnection {
  readonly status = signal<LiveStatus>("connecting");

  private socket: Socket | null = null;
  private started = false;
  private seq: number | undefined;
  private readonly rooms = new Map<string, number>();
  private readonly listeners = new Set<LiveListener>();
  private pollTimer: ReturnType<typeof setTimeout> | null = null;
  private hiddenTimer: ReturnType<typeof setTimeout> | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | null = null;
  private readonly batcher = new Batcher<Change>(
    BATCH_MS,
    (changes) => this.listeners.forEach((listener) => listener.onChanges(changes)),
    () => this.resync(),
  );

  constructor(private readonly open: () => Promise<Socket>) {}

  /** Connects, and keeps connected until `stop`. */
  async start(): Promise<void> {
    if (this.started) return;
    this.started = true;
    document.addEventListener("visibilitychange", this.onVisibility);
    window.addEventListener("offline", this.onNetwork);
    window.addEventListener("online", this.onNetwork);
    this.pollTimer = setTimeout(() => this.lost(), POLL_AFTER_MS);
    const socket = await this.open();
    if (!this.started) return;
    this.socket = socket;
    socket.on("connect", () => void this.joined());
    socket.on("disconnect", () => this.dropped());
    socket.on("connect_error", () => this.dropped());
    socket.on("change", (change: Change) => this.heard(change));
    socket.on("resync", () => this.resync());
    socket.connect();
  }

  stop(): void {
    this.started = false;
    this.socket?.disconnect();
    this.socket = null;
    this.seq = undefined;
    this.batcher.stop();
    if (this.pollTimer) clearTimeout(this.pollTimer);
    if (this.hiddenTimer) clearTimeout(this.hiddenTimer);
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.pollTimer = this.hiddenTimer = this.retryTimer = null;
    document.removeEventListener("visibilitychange", this.onVisibility);
    window.removeEventListener("offline", this.onNetwork);
    window.removeEventListener("online", this.onNetwork);
    this.status.set("connecting");
  }

  /** Connects anew, as after signing in again: the old socket belongs to the old session. */
  reconnect(): void {
    if (!this.socket) return;
    this.socket.disconnect();
    this.socket.connect();
  }

  /** Follows changes; returns how to stop. */
  listen(listener: LiveListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Holds a room open; it is left when the last holder has called the returned function. */
  hold(room: string): () => void {
    const holders = this.rooms.get(room) ?? 0;
    this.rooms.set(room, holders + 1);
    if (holders === 0) void this.subscribe([room]);
    return () => {
      const left = (this.rooms.get(room) ?? 1) - 1;
      if (left > 0) {
        this.rooms.set(room, left);
        return;
      }
      this.rooms.delete(room);
      if (this.socket?.connected) this.socket.emit("unsubscribe", { rooms: [room] });
    };
  }

  private async joined(): Promise<void> {
    if (this.pollTimer) clearTimeout(this.pollTimer);
    this.pollTimer = null;
    // What changed between the first fetch and the first subscription was in no room yet.
    const first = this.seq === undefined;
    await this.subscribe([...this.rooms.keys()], this.seq);
    if (!this.socket?.connected) return;
    this.status.set("live");
    if (first) this.resync();
  }

  private async subscribe(rooms: string[], seq?: number): Promise<void> {
    if (!this.socket?.connected || rooms.length === 0) return;
    try {
      const ack = (await this.socket
        .timeout(ACK_DEADLINE_MS)
        .emitWithAck("subscribe", seq === undefined ? { rooms } : { rooms, seq })) as Ack;
      this.seq ??= ack.seq;
    } catch {
      // No answer: start the connection anew rather than believe in rooms that may not exist.
      this.socket?.disconnect();
      this.socket?.connect();
    }
  }

  private heard(change: Change): void {
    if (this.seq === undefined || change.seq > this.seq) this.seq = change.seq;
    this.batcher.add(change);
  }

  private resync(): void {
    this.listeners.forEach((listener) => listener.onResync());
  }

  private dropped(): void {
    if (!this.started) return;
    if (this.status.get() !== "polling") this.status.set(navigator.onLine ? "reconnecting" : "offline");
    this.pollTimer ??= setTimeout(() => this.lost(), POLL_AFTER_MS);
    // Socket.IO tries again by itself unless it was the server that ended or refused the connection.
    if (this.socket?.active === false) this.retryTimer ??= setTimeout(() => this.retry(), RETRY_REFUSED_MS);
  }

  private retry(): void {
    this.retryTimer = null;
    if (this.socket?.active === false && document.visibilityState === "visible") this.socket.connect();
  }

  private lost(): void {
    if (this.status.get() === "live") return;
    this.status.set(navigator.onLine && reachable.get() ? "polling" : "offline");
    this.pollTimer = setTimeout(() => this.lost(), POLL_MS);
  }

  private readonly onNetwork = (): void => {
    if (!navigator.onLine) this.status.set("offline");
    else if (this.socket && !this.socket.connected) {
      this.status.set("reconnecting");
      this.socket.connect();
    }
  };

  /** A page nobody sees costs the server nothing after a minute, and catches up when it is looked at again. */
  private readonly onVisibility = (): void => {
    if (document.visibilityState === "hidden") {
      this.hiddenTimer = setTimeout(() => this.socket?.disconnect(), LEAVE_HIDDEN_MS);
      return;
    }
    if (this.hiddenTimer) clearTimeout(this.hiddenTimer);
    this.hiddenTimer = null;
    if (this.socket && !this.socket.connected) this.socket.connect();
  };
}

/** The console's one connection. */
export const live = new LiveConnection(async () => {
  const { io } = await import("socket.io-client");
  return io({
    path: "/socket.io/",
    transports: ["websocket"],
    autoConnect: false,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5_000,
    timeout: 10_000,
  });
});

/** Holds rooms while the component is mounted. */
export function useRooms(rooms: readonly string[]): void {
  const list = rooms.join(" ");
  useEffect(() => {
    const leave = list ? list.split(" ").map((room) => live.hold(room)) : [];
    return () => leave.forEach((fn) => fn());
  }, [list]);
}
