module github.com/tcpresume/tcpresume/examples/haproxy

go 1.26.0

replace github.com/tcpresume/tcpresume => ../../

require github.com/tcpresume/tcpresume v0.0.0-00010101000000-000000000000
