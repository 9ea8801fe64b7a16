package mcp.disruption_budget

import data.lib.mcp

violation contains mcp.says(sprintf("%d replicas have no PodDisruptionBudget", [replicas])) if {
	mcp.reviewed.kind in ["Deployment", "StatefulSet"]
	mcp.pod
	replicas := max(scaled | {mcp.field(mcp.reviewed, ["spec", "replicas"], 1)})
	replicas > 1
	not held
}

# Replicas that an autoscaler always keeps; KEDA's are HorizontalPodAutoscalers by now.
scaled := {mcp.field(spec, ["minReplicas"], 0) |
	some scaler in mcp.beside("autoscaling/v2", "HorizontalPodAutoscaler")
	spec := scaler.spec
	mcp.field(spec, ["scaleTargetRef", "kind"], "Deployment") == mcp.reviewed.kind
	spec.scaleTargetRef.name == mcp.reviewed.metadata.name
}

held if {
	some budget in mcp.beside("policy/v1", "PodDisruptionBudget")
	mcp.field(budget, ["spec", "selector"], null) != null
	mcp.selects(budget.spec.selector, mcp.pod_labels)
}
