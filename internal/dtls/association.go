package dtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	pion "github.com/pion/dtls/v3"
	"github.com/pion/logging"

	"github.com/parley-sip/parley/internal/srtp"
)

// Errors that Done tells; use [errors.Is].
var (
	// ErrHandshake: the peer does not answer, or not as DTLS with SRTP asks for.
	ErrHandshake = errors.New("dtls: handshake failed")
	// ErrFingerprint: the peer has another certificate than its description says.
	ErrFingerprint = errors.New("dtls: certificate is not that of the description")
	// ErrClosed: the association was closed before it had keys.
	ErrClosed = errors.New("dtls: association is closed")
)

const (
	// DefaultTimeout is how long a handshake may take.
	DefaultTimeout = 30 * time.Second
	// flightInterval is when what was not answered is first sent again; it doubles then. Media networks are faster than the second of
	// RFC 6347, section 4.2.4.1, and somebody waits.
	flightInterval = 400 * time.Millisecond
	// exporter is the label of the keys (RFC 5764, section 4.2).
	exporter = "EXTRACTOR-dtls_srtp"
)

// Config says what an association is made of.
type Config struct {
	// Certificate is ours.
	Certificate *Certificate
	// Peer are the fingerprints of the peer's description; its certificate must have one of them.
	Peer []Fingerprint
	// Client tells that we begin: `a=setup:active` of our description, or passive of the peer's.
	Client bool
	// Send sends a datagram to the peer. It must not block, and does not keep the octets. It is not called after Close has returned.
	Send func([]byte)
	// Done is told how the handshake has ended, once, by a goroutine of the association. It must not wait for Close.
	Done func(Keys, error)
	// Timeout of the handshake; 0: [DefaultTimeout].
	Timeout time.Duration
}

// Keys are what SRTP and SRTCP are protected with, one per direction.
type Keys struct{ Local, Remote srtp.Key }

// Association is one with a peer. All methods may be called by any goroutine.
type Association struct {
	cfg    Config
	wire   *wire
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	conn *pion.Conn
}

// Start begins the handshake and returns at once; the caller closes what it returns.
func Start(cfg Config) *Association {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &Association{cfg: cfg, wire: newWire(cfg.Send), cancel: cancel, done: make(chan struct{})}
	go a.run(ctx)
	return a
}

// Deliver hands over a datagram of the peer, which is copied. It does not wait: what is too much is lost, as datagrams are.
func (a *Association) Deliver(datagram []byte) { a.wire.deliver(datagram) }

// Close says goodbye to the peer, ends what is under way, and waits for it. Closing again does nothing.
func (a *Association) Close() {
	a.cancel()
	a.mu.Lock()
	conn := a.conn
	a.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // nothing can be done about it
	}
	<-a.done
	_ = a.wire.Close() // never fails
}

// run is the goroutine of an association: the handshake, and then whatever the peer sends, so that it gets answers to what it repeats.
func (a *Association) run(ctx context.Context) {
	defer close(a.done)
	conn, err := a.connect()
	if err != nil {
		a.cfg.Done(Keys{}, fmt.Errorf("%w: %w", ErrHandshake, err))
		return
	}
	limited, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	err = conn.HandshakeContext(limited)
	cancel()
	if err == nil {
		var keys Keys
		if keys, err = a.keys(conn); err == nil {
			a.cfg.Done(keys, nil)
			_, _ = io.Copy(io.Discard, conn) // SRTP has no data in DTLS; ends with the association
			_ = conn.Close()
			return
		}
	}
	_ = conn.Close()
	switch {
	case ctx.Err() != nil:
		err = ErrClosed
	case !errors.Is(err, ErrHandshake):
		err = fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	a.cfg.Done(Keys{}, err)
}

// connect makes the connection over the wire.
func (a *Association) connect() (*pion.Conn, error) {
	config := &pion.Config{ //nolint:staticcheck // the other form of the same needs an option for each field
		Certificates: []tls.Certificate{a.cfg.Certificate.chain},
		SRTPProtectionProfiles: []pion.SRTPProtectionProfile{
			pion.SRTP_AEAD_AES_256_GCM, pion.SRTP_AEAD_AES_128_GCM, pion.SRTP_AES128_CM_HMAC_SHA1_80,
		},
		ClientAuth:           pion.RequireAnyClientCert,
		ExtendedMasterSecret: pion.RequestExtendedMasterSecret,
		InsecureSkipVerify:   true, // nobody has signed it: the fingerprint is what counts
		VerifyPeerCertificate: func(chain [][]byte, _ [][]*x509.Certificate) error {
			if len(chain) == 0 || !proves(chain[0], a.cfg.Peer) {
				return ErrFingerprint
			}
			return nil
		},
		FlightInterval: flightInterval,
		LoggerFactory:  &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled},
	}
	var conn *pion.Conn
	var err error
	if a.cfg.Client {
		conn, err = pion.Client(a.wire, peerAddr{}, config) //nolint:staticcheck // see above
	} else {
		conn, err = pion.Server(a.wire, peerAddr{}, config) //nolint:staticcheck // see above
	}
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = conn
	return conn, nil
}

// keys takes the keys out of a connection (RFC 5764, section 4.2).
func (a *Association) keys(conn *pion.Conn) (Keys, error) {
	profile, _ := conn.SelectedSRTPProtectionProfile()
	suite := suites[profile]
	if suite == srtp.None {
		return Keys{}, fmt.Errorf("%w: no SRTP profile was agreed", ErrHandshake)
	}
	if mki, ok := conn.RemoteSRTPMasterKeyIdentifier(); ok && len(mki) > 0 && a.cfg.Client { // which we have not offered (section 4.1.3)
		return Keys{}, fmt.Errorf("%w: master key identifier", ErrHandshake)
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return Keys{}, fmt.Errorf("%w: no state", ErrHandshake)
	}
	material, err := state.ExportKeyingMaterial(exporter, nil, 2*suite.KeySize())
	if err != nil {
		return Keys{}, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	client, server := split(material, suite)
	clear(material)
	if a.cfg.Client {
		return Keys{Local: client, Remote: server}, nil
	}
	return Keys{Local: server, Remote: client}, nil
}

// suites are the profiles of RFC 5764, section 4.1.2, and RFC 7714, section 14.2.
//
//nolint:gochecknoglobals // table
var suites = map[pion.SRTPProtectionProfile]srtp.Suite{
	pion.SRTP_AEAD_AES_256_GCM:       srtp.AEADAES256GCM,
	pion.SRTP_AEAD_AES_128_GCM:       srtp.AEADAES128GCM,
	pion.SRTP_AES128_CM_HMAC_SHA1_80: srtp.AESCM128HMACSHA180,
}

// split deals out the material: the keys of client and server, then their salts.
func split(material []byte, suite srtp.Suite) (client, server srtp.Key) {
	salt := 12 // of GCM (RFC 7714, section 12)
	if suite == srtp.AESCM128HMACSHA180 {
		salt = 14 // RFC 3711, section 8.2
	}
	key := suite.KeySize() - salt
	join := func(i int) srtp.Key {
		secret := make([]byte, 0, suite.KeySize())
		secret = append(secret, material[i*key:(i+1)*key]...)
		at := 2*key + i*salt
		return srtp.Key{Suite: suite, Secret: append(secret, material[at:at+salt]...)}
	}
	return join(0), join(1)
}
