"use client";

export { EntitySheets } from "./entity-sheets";
export { pathOf, type Fleet, type FleetNode } from "./fleet";
export { LiveAnnouncer } from "./live-announcer";
export { LiveCache } from "./live-cache";
export { useComponentSearch, useFleet } from "./queries";
