package mcp.image_registry

import data.lib.mcp

violation contains mcp.says(detail) if {
	some one in mcp.images
	not admitted(one.image)
	detail := sprintf("container %s has the image %s", [one.container, one.image])
}

admitted(image) if {
	some prefix in input.parameters.allowed_registries
	startswith(image, prefix)
}
