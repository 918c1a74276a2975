"use client";

export { instantOf } from "./filters";
export { RangeMenu } from "./range-menu";
