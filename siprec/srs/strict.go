package srs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// maxReasons bounds what a refusal lists.
const maxReasons = 10

// strict is the refusal of a request that breaks the RFCs, in strict mode; nil: there is nothing to refuse. Each reason is a Warning (RFC 3261,
// section 20.43), so that a vendor finds all of them at once.
func (c *Config) strict(request *sipua.Request, offer *sdp.Description, d *document) *sipua.Response {
	if !c.Strict {
		return nil
	}
	var reasons []string
	if contact, ok := request.Contact(); request.Method == "INVITE" && (!ok || !contact.Params.Has(siprec.FeatureTag)) {
		reasons = append(reasons, "no +sip.src outside of the angle brackets of Contact (RFC 7866, section 6.1.1)")
	}
	var labels []string
	if offer != nil {
		labels = labelsOf(*offer)
		for i := range offer.Media {
			if direction := offer.DirectionOf(i); offer.Media[i].Port != 0 && direction.Receives() {
				reasons = append(reasons, fmt.Sprintf("m-line %d is %v, neither sendonly nor inactive (RFC 7866, section 7.1.1)", i+1, direction))
			}
			if offer.Media[i].Port != 0 && offer.Media[i].Label == "" {
				reasons = append(reasons, fmt.Sprintf("m-line %d has no label (RFC 7866, section 7.1.1)", i+1))
			}
		}
	}
	if d != nil {
		for _, issue := range slices.Concat(d.issues, siprec.Verify(d.value, labels)) {
			reasons = append(reasons, "metadata: "+issue.String())
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	response := sipua.NewResponse(400)
	for _, reason := range reasons[:min(len(reasons), maxReasons)] {
		response = response.WithHeader("Warning", `399 srs "`+strings.NewReplacer(`"`, "'", `\`, "/").Replace(reason)+`"`)
	}

	return response
}
