// How a receiver checks that a request is ours, with the reference libraries. Pure.

export interface Snippet {
  language: string;
  code: string;
}

export const SNIPPETS: readonly Snippet[] = [
  {
    language: "JavaScript",
    code: `// npm install standardwebhooks
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);

// body: the text as it came, before it is parsed
const event = webhook.verify(body, request.headers);`,
  },
  {
    language: "Python",
    code: `# pip install standardwebhooks
import os
from standardwebhooks import Webhook

webhook = Webhook(os.environ["WEBHOOK_SECRET"])

# body: the bytes as they came, before they are parsed
event = webhook.verify(body, request.headers)`,
  },
];
