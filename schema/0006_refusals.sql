-- Refusals that a test planned: the next `remaining` calls of an operation in a world are answered with `code`.

CREATE TABLE planned_refusal (
    tenant TEXT NOT NULL,
    operation TEXT NOT NULL,
    code BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    PRIMARY KEY (tenant, operation)
);

-- 1 if the tenant may have rows in planned_refusal, so that the others' calls need not look.
ALTER TABLE tenant ADD COLUMN refuses BIGINT NOT NULL DEFAULT 0;
