-- Faults: what tests want done to calls, by rule.

-- The rules of the tenant, the first one first: JSON; empty if there are none.
ALTER TABLE tenant ADD COLUMN faults TEXT NOT NULL DEFAULT '';

-- How many calls a rule has matched, and how many of them it changed.
CREATE TABLE fault_count (
    tenant TEXT NOT NULL,
    fault_id TEXT NOT NULL,
    seen BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    PRIMARY KEY (tenant, fault_id)
);
