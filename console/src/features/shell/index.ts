"use client";

export { Shell } from "./shell";
export { ShellSkeleton } from "./shell-skeleton";
