/* Which Windows a source is for; it is for none here. */
