-- Answers to requests with an Idempotency-Key, so that one that is sent again changes nothing twice. Neither the key nor
-- the answer can be read here: both take the key itself, which only the caller has.
CREATE TABLE idempotency_answer (
    principal_id uuid NOT NULL REFERENCES principal ON DELETE CASCADE,
    key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    status integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal_id, key_hash)
);

CREATE INDEX idempotency_answer_age ON idempotency_answer (created_at);
