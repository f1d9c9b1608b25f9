// The policies in effect, as the admin API shows them too.
export { type PolicyRow, policyRows } from '../../src/quota/policy-rows.ts';
