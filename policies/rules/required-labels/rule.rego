package mcp.required_labels

import data.lib.mcp

violation contains mcp.says(sprintf("the pod lacks the label %s", [key])) if {
	mcp.pod
	some key in input.parameters.required_labels
	mcp.field(mcp.pod_labels, [key], "") == ""
}

violation contains mcp.says(sprintf("the object lacks the label %s", [key])) if {
	mcp.pod
	mcp.reviewed.kind != "Pod"
	not made
	some key in input.parameters.required_labels
	mcp.field(mcp.reviewed, ["metadata", "labels", key], "") == ""
}

# What a controller made (a Job of a CronJob, Flagger's primary) has the labels that its controller gave it.
made if {
	some owner in mcp.reviewed.metadata.ownerReferences
	owner.controller == true
}
