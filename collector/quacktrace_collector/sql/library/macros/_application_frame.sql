-- Where a person would start to look: the innermost frame outside libraries, or the innermost at all. Python ends a stack
-- with the innermost, everything else begins with it. query/stack_frames.py has the same rules for the API.
create macro _application_frame(stack) as
    list_transform(
        [
            list_transform(
                regexp_extract_all(
                    stack[:64000], '(?m)^[ \t]*(?:File "[^"\n]*", line \d+, in [^\n]*|at [^\n]*|\S+\.go:\d+[^\n]*)$'
                )[:200],
                lambda line: trim(line, chr(9) || ' ')
            )
        ],
        lambda lines: list_transform(
            [
                list_filter(
                    list_transform(
                        case
                            when len(list_filter(lines, lambda line: starts_with(line, 'File "'))) > 0
                                then list_reverse(list_filter(lines, lambda line: starts_with(line, 'File "')))
                            else lines
                        end,
                        lambda line: case
                            when starts_with(line, 'File "')
                                then regexp_extract(line, 'File "([^"]*)", line \d+, in (.*)', ['file', 'function'])
                            when regexp_matches(line, '^at [^(]+\(.*\) in .+:line \d+')
                                then regexp_extract(line, '^at ([^(]+)\(.*\) in (.+):line \d+', ['function', 'file'])
                            when regexp_matches(line, '^at (?:async )?[^()]*? ?\([^()]*\)')
                                then regexp_extract(line, '^at (?:async )?([^()]*?) ?\(([^()]*)\)', ['function', 'file'])
                            when regexp_matches(line, '^at \S+?:\d+')
                                then {'file': regexp_extract(line, '^at (\S+?):\d+(?::\d+)?', 1), 'function': ''}
                            else {'file': regexp_extract(line, '^(\S+\.go):\d+', 1), 'function': ''}
                        end
                    ),
                    lambda place: place.file <> ''
                )
            ],
            lambda places: list_transform(
                [
                    coalesce(
                        list_filter(
                            places,
                            lambda place: not regexp_matches(
                                place.file,
                                'site-packages|dist-packages|/lib/python\d|<frozen |<string>|node_modules|node:|internal/|native code|Native Method|Unknown Source|/go/pkg/mod/|/usr/local/go/|/usr/lib/go'
                            )
                            and not regexp_matches(
                                place.function,
                                '^(?:java|javax|jdk|sun|jakarta|kotlin|kotlinx|scala|reactor|io\.netty|io\.grpc|org\.springframework|org\.apache|org\.eclipse|org\.hibernate|com\.sun|com\.zaxxer|io\.opentelemetry|System|Microsoft)\.'
                            )
                        )[1],
                        places[1]
                    )
                ],
                lambda place: left(
                    regexp_extract(regexp_replace(place.file, '(?::\d+)+$', ''), '[^\\/]*$')
                    || case when place.function = '' then '' else ' in ' || trim(place.function) end,
                    200
                )
            )[1]
        )[1]
    )[1]
