/* Messages stay as they are. */
#define gettext(text) (text)
#define ngettext(one, many, count) ((count) == 1 ? (one) : (many))
