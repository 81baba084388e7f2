package sipua

import (
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// sizeOf is how long a request is. The body, which may be large, is not looked at.
func sizeOf(wire *sip.Request) int {
	body := wire.Body()
	wire.SetBody(nil)
	var rest octets
	wire.StringWrite(&rest)
	wire.SetBody(body)
	return int(rest) + len(body) + len(strconv.Itoa(len(body))) - len("0")
}

// octets counts what is written.
type octets int

// WriteString implements io.StringWriter.
func (n *octets) WriteString(s string) (int, error) {
	*n += octets(len(s))
	return len(s), nil
}
