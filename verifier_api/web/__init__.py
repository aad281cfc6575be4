"""The consumer page: an `Answer` as HTML, with its templates, style and script.

`routes.digital_link` and `routes.static_files` use it. Begin with `answer_page`.
"""
