package mcp.residency_nodes

import data.lib.mcp

violation contains mcp.says(detail) if {
	mcp.pod
	residency := mcp.pod_labels["mcp.platform/residency"]
	residency != "any"
	key := sprintf("residency.mcp.platform/%s", [residency])
	mcp.field(mcp.pod, ["nodeSelector", key], "") != "true"
	detail := sprintf("the pod of residency %s lacks the nodeSelector %s: \"true\"", [residency, key])
}
