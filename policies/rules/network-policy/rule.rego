package mcp.network_policy

import data.lib.mcp

# Both directions count: a pod that only an ingress policy selects may send anywhere.
violation contains mcp.says(sprintf("no NetworkPolicy for %s selects the pod", [direction])) if {
	mcp.pod
	some direction in ["Ingress", "Egress"]
	not covered(direction)
}

covered(direction) if {
	some policy in mcp.beside("networking.k8s.io/v1", "NetworkPolicy")
	mcp.selects(mcp.field(policy, ["spec", "podSelector"], {}), mcp.pod_labels)
	direction in types(policy.spec)
}

# As the API defaults policyTypes: ingress always, egress where there are egress rules.
types(spec) := spec.policyTypes if {
	spec.policyTypes != null
} else := ["Ingress", "Egress"] if {
	spec.egress != null
} else := ["Ingress"]
