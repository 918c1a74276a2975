-- What is told to the outside world, and how far each follower of the status events has read.

CREATE TABLE follower (
    name text PRIMARY KEY,
    sequence bigint NOT NULL
);

INSERT INTO follower (name, sequence) VALUES ('notify', 0);

CREATE TABLE delivery (
    id uuid PRIMARY KEY, -- the receiver's key for dropping repeats; the same at every attempt
    event text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    last_status integer,
    last_error text CHECK (octet_length(last_error) <= 1024),
    ended_at timestamptz, -- delivered or given up
    delivered boolean
);

CREATE INDEX delivery_due ON delivery (due_at, created_at) WHERE ended_at IS NULL;
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE ended_at IS NOT NULL;
