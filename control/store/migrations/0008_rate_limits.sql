-- How much one caller may ask of each class of routes: a bucket of `quota` requests that is full again after `window_s`. The
-- rows are all there is: one for each class and each way to tell callers apart; without a quota there is no limit.
CREATE TABLE rate_limit (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    class text NOT NULL CHECK (class IN ('browse', 'change', 'expensive', 'sign_in')),
    subject text NOT NULL CHECK (subject IN ('key', 'user', 'address')),
    quota bigint CHECK (quota BETWEEN 1 AND 1000000000),
    window_s integer NOT NULL DEFAULT 60 CHECK (window_s BETWEEN 1 AND 86400),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (class, subject)
);

CREATE TRIGGER next_version BEFORE UPDATE ON rate_limit FOR EACH ROW EXECUTE FUNCTION item_next_version();

INSERT INTO rate_limit (class, subject)
SELECT class, subject
  FROM unnest(ARRAY['browse', 'change', 'expensive', 'sign_in']) class, unnest(ARRAY['key', 'user', 'address']) subject;

-- What costs much, and what guesses at passwords, has limits from the start.
UPDATE rate_limit SET quota = 100, window_s = 5 WHERE class = 'expensive' AND subject = 'key';
UPDATE rate_limit SET quota = 30, window_s = 30 WHERE class = 'sign_in' AND subject = 'address';

CREATE VIEW rate_limit_item WITH (security_invoker = true) AS
SELECT id, class, subject, quota, window_s, version, rfc3339(updated_at) AS updated_at
  FROM rate_limit;
