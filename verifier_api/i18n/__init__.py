"""The language of an answer: gettext message files, and findings and advice in words.

Begin with `translator`. `findings` words what officers and rights-holders see, `advice`
what each audience is advised; a new language is one more file in `locales`.
"""
