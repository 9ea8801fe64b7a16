# What every rule needs: the pods of the object under review, label selectors, and how a refusal reads.
package lib.mcp

reviewed := input.review.object

templated := {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"}

template := reviewed if reviewed.kind == "Pod"

template := reviewed.spec.template if reviewed.kind in templated

template := reviewed.spec.jobTemplate.spec.template if reviewed.kind == "CronJob"

pod := template.spec

pod_labels := field(template, ["metadata", "labels"], {})

# Values that are null count as absent.
field(from, path, otherwise) := value if {
	value := object.get(from, path, null)
	value != null
} else := otherwise

containers := array.concat(
	field(pod, ["initContainers"], []),
	field(pod, ["containers"], []),
)

every_container := array.concat(containers, field(pod, ["ephemeralContainers"], []))

images contains {"container": container.name, "image": field(container, ["image"], "")} if {
	some container in every_container
}

selects(selector, labels) if {
	every key, value in field(selector, ["matchLabels"], {}) {
		labels[key] == value
	}
	every requirement in field(selector, ["matchExpressions"], []) {
		meets(requirement, labels)
	}
}

meets(requirement, labels) if {
	requirement.operator == "In"
	among(labels, requirement)
}

meets(requirement, labels) if {
	requirement.operator == "NotIn"
	not among(labels, requirement)
}

meets(requirement, labels) if {
	requirement.operator == "Exists"
	_ = labels[requirement.key]
}

meets(requirement, labels) if {
	requirement.operator == "DoesNotExist"
	not has(labels, requirement.key)
}

among(labels, requirement) if labels[requirement.key] in field(requirement, ["values"], [])

has(map, key) if _ = map[key]

# The refusal: what is wrong, then the rule and the way out, which come from the rule's description.
says(detail) := {"msg": sprintf("%s: %s", [detail, input.parameters.message])}

beside(kind_version, kind) := [other |
	some other in field(data.inventory, ["namespace", reviewed.metadata.namespace, kind_version, kind], {})
]
