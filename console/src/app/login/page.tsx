import type { Metadata } from "next";
import { LoginPage } from "@/features/access/login-page";

export const metadata: Metadata = { title: "Sign in · Environment Manager" };

export default function Page() {
  return <LoginPage />;
}
