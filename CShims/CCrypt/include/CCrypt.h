// The functions of libcrypt: each function here is the library call it is named for. No logic.
#ifndef CCRYPT_H
#define CCRYPT_H

/// crypt_r(3): the hash of a password with the method, cost and salt of `setting`, written to `hash` with a NUL.
/// 0, or -1 when the library does not know the method.
int CCrypt_hash(const char *password, const char *setting, char hash[384]);

/// crypt_checksalt(3): whether the library knows the method of `setting`, old ones included.
int CCrypt_knows(const char *setting);

#endif
