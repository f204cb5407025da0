"""What everything else uses: errors, options, files, fields, history."""
