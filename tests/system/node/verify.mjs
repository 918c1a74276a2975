// Judges webhooks by the reference library: lines of {secret, headers, body} in, one "ok" or reason a line out.
import { createInterface } from "node:readline";
import standard from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new standard.Webhook(secret).verify(body, headers);
    console.log("ok");
  } catch (error) {
    console.log(error.message);
  }
}
