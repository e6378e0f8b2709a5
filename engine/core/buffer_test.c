/* Goal: what an encoder wrote is what a reader reads, refusals leave a cut buffer and never a gap, readers
 * stop at the end.
 * Method: writing and reading back; each allocation refused; every prefix of an encoding read to its end. */
#include "engine/core/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static bool write_all(struct od_buffer *buffer)
{
    od_buffer_append_u8(buffer, 0xab);
    od_buffer_append_u32(buffer, 0x01020304);
    od_buffer_append_u64(buffer, UINT64_C(0x1112131415161718));
    od_buffer_append_text(buffer, "text");
    od_buffer_print(buffer, "%200d", 5);
    return od_buffer_append_zeros(buffer, 300);
}

static void integers_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0xab, 4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_true(write_all(&buffer));
    assert_int_equal(buffer.size, sizeof(expected) + 4 + 200 + 300);
    assert_memory_equal(buffer.bytes, expected, sizeof(expected));
    od_buffer_release(&buffer);
}

static void every_prefix_is_read_safely(void **state)
{
    (void)state;
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_heap_for_tests());
    write_all(&buffer);
    for (size_t size = 0; size < 17; size++) {
        struct od_reader reader = {.bytes = buffer.bytes, .size = size};
        uint8_t byte = od_reader_u8(&reader);
        uint32_t word = od_reader_u32(&reader);
        uint64_t wide = od_reader_u64(&reader);
        assert_int_equal(byte, size >= 1 ? 0xab : 0);
        assert_int_equal(word, size >= 5 ? 0x01020304 : 0);
        assert_true(wide == (size >= 13 ? UINT64_C(0x1112131415161718) : 0));
        assert_int_equal(reader.failed, size < 13);
        assert_null(od_reader_bytes(&reader, SIZE_MAX));
        assert_true(reader.failed);
        assert_null(od_reader_bytes(&reader, 0)); /* stays failed */
    }
    od_buffer_release(&buffer);
}

static void text_is_terminated(void **state)
{
    (void)state;
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_string_equal(od_buffer_text(&buffer), "");
    for (int i = 0; i < 200; i++) {
        assert_true(od_buffer_append_text(&buffer, "x"));
        assert_int_equal(strlen(od_buffer_text(&buffer)), i + 1);
    }
    od_buffer_reset(&buffer);
    for (int length = 0; length < 300; length += 7) {
        assert_true(od_buffer_print(&buffer, "%*s", length, ""));
        assert_int_equal(strlen(od_buffer_text(&buffer)), buffer.size);
    }
    assert_false(od_buffer_append(&buffer, "", SIZE_MAX)); /* refused before it is read */
    assert_string_equal(od_buffer_text(&buffer), "");
    od_buffer_release(&buffer);
}

static enum od_status encode(struct od_memory *memory, void *context)
{
    (void)context;
    struct od_buffer buffer;
    od_buffer_init(&buffer, memory);
    bool ok = write_all(&buffer);
    od_assert(ok == !buffer.failed);
    od_assert(ok || buffer.size == 0 || buffer.bytes[0] == 0xab);
    od_buffer_release(&buffer);
    return ok ? OD_OK : OD_NO_MEMORY;
}

static void every_refusal_is_remembered(void **state)
{
    (void)state;
    assert_true(od_sweep(encode, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(every_prefix_is_read_safely),
        cmocka_unit_test(text_is_terminated),
        cmocka_unit_test(every_refusal_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
