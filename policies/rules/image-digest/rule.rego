package mcp.image_digest

import data.lib.mcp

violation contains mcp.says(detail) if {
	input.parameters.by_digest
	some one in mcp.images
	not digested(one.image)
	detail := sprintf("container %s has no sha256 digest in %s", [one.container, one.image])
}

digested(image) if regex.match(`^sha256:[0-9a-f]{64}$`, split(image, "@")[1])
