package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Kinds of key that a verifier key can name. Source: C2SP signed-note, tlog-cosignature.
const (
	kindEd25519            = 0x01
	kindEd25519Cosignature = 0x04
	kindMLDSA44Cosignature = 0x06
)

const timestampSize = 8

// cosigner is a note.Verifier for the two kinds whose signature begins with a timestamp.
type cosigner struct {
	name   string
	hash   uint32
	verify func(text []byte, timestamp uint64, signature []byte) bool
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) < timestampSize {
		return false
	}
	timestamp := binary.BigEndian.Uint64(signature)
	return c.verify(text, timestamp, signature[timestampSize:])
}

// readKeys makes a verifier of each line of a file of verifier keys.
func readKeys(path string) ([]note.Verifier, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("keys: unreadable")
	}
	var verifiers []note.Verifier
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		verifier, err := newVerifier(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
		verifiers = append(verifiers, verifier)
	}
	return verifiers, nil
}

func newVerifier(vkey string) (note.Verifier, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	id, encoded, _ := strings.Cut(rest, "+")
	hash, err := strconv.ParseUint(id, 16, 32)
	key, undecoded := base64.StdEncoding.DecodeString(encoded)
	if err != nil || undecoded != nil || len(id) != 8 || len(key) < 2 || name == "" {
		return nil, errors.New("malformed verifier key")
	}
	if key[0] == kindEd25519 {
		return note.NewVerifier(vkey)
	}
	if keyHash(name, key) != uint32(hash) {
		return nil, errors.New("verifier key with a wrong id")
	}
	verify, err := checking(name, key[0], key[1:])
	if err != nil {
		return nil, err
	}
	return &cosigner{name, uint32(hash), verify}, nil
}

func keyHash(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

func checking(name string, kind byte, public []byte) (func([]byte, uint64, []byte) bool, error) {
	switch {
	case kind == kindEd25519Cosignature && len(public) == ed25519.PublicKeySize:
		return func(text []byte, timestamp uint64, signature []byte) bool {
			signed := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", timestamp, text)
			return ed25519.Verify(public, signed, signature)
		}, nil
	case kind == kindMLDSA44Cosignature:
		key, err := mldsa.NewPublicKey(mldsa.MLDSA44(), public)
		if err != nil {
			return nil, errors.New("malformed ML-DSA-44 key")
		}
		return func(text []byte, timestamp uint64, signature []byte) bool {
			signed, err := subtree(name, timestamp, text)
			return err == nil && mldsa.Verify(key, signed, signature, nil) == nil
		}, nil
	}
	return nil, errors.New("verifier key of an unknown kind")
}

// subtree is what an ML-DSA-44 cosignature signs. Source: C2SP tlog-cosignature.
func subtree(cosigner string, timestamp uint64, text []byte) ([]byte, error) {
	origin, tree, err := readHead(text)
	if err != nil || len(cosigner) > 255 || len(origin) > 255 {
		return nil, errors.New("not a checkpoint")
	}
	var signed bytes.Buffer
	signed.WriteString("subtree/v1\n\x00")
	signed.WriteByte(byte(len(cosigner)))
	signed.WriteString(cosigner)
	binary.Write(&signed, binary.BigEndian, timestamp)
	signed.WriteByte(byte(len(origin)))
	signed.WriteString(origin)
	binary.Write(&signed, binary.BigEndian, uint64(0))
	binary.Write(&signed, binary.BigEndian, uint64(tree.N))
	signed.Write(tree.Hash[:])
	return signed.Bytes(), nil
}

// readHead parses the three lines of a checkpoint.
func readHead(text []byte) (string, tlog.Tree, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return "", tlog.Tree{}, errors.New("checkpoint: not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return "", tlog.Tree{}, errors.New("checkpoint: not a size")
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		return "", tlog.Tree{}, errors.New("checkpoint: not a root")
	}
	return lines[0], tlog.Tree{N: size, Hash: hash}, nil
}

// openHead verifies a checkpoint: each of the keys must have signed it.
func openHead(signed []byte, verifiers []note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	if len(opened.Sigs) != len(verifiers) {
		return tlog.Tree{}, errors.New("checkpoint: not signed by every key")
	}
	origin, tree, err := readHead([]byte(opened.Text))
	if err == nil && origin != verifiers[0].Name() {
		err = errors.New("checkpoint: of another log")
	}
	return tree, err
}
