import type { Metadata } from "next";
import { DevelopersPage } from "@/features/developers/developers-page";

export const metadata: Metadata = { title: "API · Environment Manager" };

export default function Page() {
  return <DevelopersPage />;
}
