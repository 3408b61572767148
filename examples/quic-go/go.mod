module github.com/tcpresume/tcpresume/examples/quic-go

go 1.26.0

replace github.com/tcpresume/tcpresume => ../../

require (
	github.com/quic-go/quic-go v0.64.1
	github.com/tcpresume/tcpresume v0.0.0-00010101000000-000000000000
)

require (
	github.com/quic-go/qpack v0.6.0 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.42.0 // indirect
)
