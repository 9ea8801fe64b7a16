package mcp.service_types

import data.lib.mcp

violation contains mcp.says(sprintf("Service %s is a NodePort", [mcp.reviewed.metadata.name])) if {
	mcp.reviewed.kind == "Service"
	mcp.reviewed.spec.type == "NodePort"
}

violation contains mcp.says(sprintf("Service %s is a LoadBalancer", [name])) if {
	mcp.reviewed.kind == "Service"
	mcp.reviewed.spec.type == "LoadBalancer"
	name := mcp.reviewed.metadata.name
	not name in input.parameters.load_balancers
}

# External addresses let a Service take others' traffic (CVE-2020-8554).
violation contains mcp.says(sprintf("Service %s has externalIPs", [mcp.reviewed.metadata.name])) if {
	mcp.reviewed.kind == "Service"
	count(mcp.reviewed.spec.externalIPs) > 0
}
