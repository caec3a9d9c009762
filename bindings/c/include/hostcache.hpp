/*
 * hostcache for C++17 and later: hostcache.h with RAII, std::optional and std::string_view. Header only.
 *
 *     c++ -std=c++17 program.cpp $(pkg-config --cflags --libs hostcache)
 *
 * Failures throw hostcache::error, which has the status and the message. Compiled with -fno-exceptions, or with
 * HOSTCACHE_NO_EXCEPTIONS defined, nothing throws: results are hostcache::result<T>, which is a T or an error and is asked before it
 * is used; its value() is std::abort()'s if it is none.
 *
 * Keys and values are std::string_view, any bytes. Objects move and don't copy, but for hostcache::cache, whose copies share a handle.
 * hostcache.h says which function may be called by which threads; members follow it.
 */
#ifndef HOSTCACHE_HPP
#define HOSTCACHE_HPP

#if __cplusplus < 201703L
#error "hostcache.hpp needs C++17: compile with -std=c++17 or later"
#endif

#include <hostcache.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#if !defined(HOSTCACHE_NO_EXCEPTIONS) && !defined(__cpp_exceptions)
#define HOSTCACHE_NO_EXCEPTIONS
#endif

#ifndef HOSTCACHE_NO_EXCEPTIONS
#include <stdexcept>
#endif

namespace hostcache {

using status = hostcache_status_t;
using milliseconds = std::chrono::milliseconds;

/// Read-only bytes, as std::span<const std::byte> has them in C++20.
class bytes {
  public:
    bytes(const void *data, std::size_t size) noexcept : data_(static_cast<const unsigned char *>(data)), size_(size) {}
    const unsigned char *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const unsigned char *begin() const noexcept { return data_; }
    const unsigned char *end() const noexcept { return data_ + size_; }
    const unsigned char &operator[](std::size_t index) const noexcept { return data_[index]; }
    std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }

  private:
    const unsigned char *data_;
    std::size_t size_;
};

/// Bytes to write, as std::span<std::byte> has them in C++20.
class mutable_bytes {
  public:
    mutable_bytes(void *data, std::size_t size) noexcept : data_(static_cast<unsigned char *>(data)), size_(size) {}
    unsigned char *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    unsigned char *begin() const noexcept { return data_; }
    unsigned char *end() const noexcept { return data_ + size_; }
    unsigned char &operator[](std::size_t index) const noexcept { return data_[index]; }

  private:
    unsigned char *data_;
    std::size_t size_;
};

#ifndef HOSTCACHE_NO_EXCEPTIONS

/// A call that failed.
class error : public std::runtime_error {
  public:
    error(hostcache::status status, const char *message)
        : std::runtime_error(std::string(hostcache_status_str(status)) + ": " + message), status_(status) {}
    hostcache::status status() const noexcept { return status_; }

  private:
    hostcache::status status_;
};

template <class T> using result = T;

namespace detail {
template <class T> [[noreturn]] T failed(hostcache::status status) { throw error(status, hostcache_error_message()); }
} // namespace detail

#else

/// A call that failed.
class error {
  public:
    error(hostcache::status status, const char *message)
        : status_(status), what_(std::string(hostcache_status_str(status)) + ": " + message) {}
    hostcache::status status() const noexcept { return status_; }
    const char *what() const noexcept { return what_.c_str(); }

  private:
    hostcache::status status_;
    std::string what_;
};

/// What a call gives: a value, or the error.
template <class T> class [[nodiscard]] result {
  public:
    result(T value) : is_(std::in_place_index<0>, std::move(value)) {}
    result(hostcache::error failure) : is_(std::in_place_index<1>, std::move(failure)) {}
    explicit operator bool() const noexcept { return is_.index() == 0; }
    T &value() { return has(); }
    T &operator*() { return has(); }
    T *operator->() { return &has(); }
    /// Only of a result that is no value.
    const hostcache::error &error() const { return *std::get_if<1>(&is_); }

  private:
    T &has() {
        T *value = std::get_if<0>(&is_);
        if (value == nullptr) std::abort();
        return *value;
    }
    std::variant<T, hostcache::error> is_;
};

template <> class [[nodiscard]] result<void> {
  public:
    result() = default;
    result(hostcache::error failure) : error_(std::move(failure)) {}
    explicit operator bool() const noexcept { return !error_; }
    const hostcache::error &error() const { return *error_; }

  private:
    std::optional<hostcache::error> error_;
};

namespace detail {
template <class T> error failed(hostcache::status status) { return error(status, hostcache_error_message()); }
} // namespace detail

#endif

namespace detail {

template <class T, void (*Free)(T *)> struct deleter {
    void operator()(T *handle) const noexcept { Free(handle); }
};
template <class T, void (*Free)(T *)> using owned = std::unique_ptr<T, deleter<T, Free>>;

/// A struct of the header, made ready.
template <class T> T ready() noexcept {
    T object;
    HOSTCACHE_INIT(object);
    return object;
}

/// OK is true, MISS and EXISTS are false, all else is a failure.
inline result<bool> whether(status status) {
    if (status == HOSTCACHE_OK) return true;
    if (status == HOSTCACHE_MISS || status == HOSTCACHE_EXISTS) return false;
    return failed<bool>(status);
}

inline result<void> done(status status) {
    if (status != HOSTCACHE_OK) return failed<void>(status);
    return result<void>();
}

/// OK is the value, MISS is none.
template <class T> result<std::optional<T>> perhaps(status status, T value) {
    if (status == HOSTCACHE_OK) return std::optional<T>(std::move(value));
    if (status == HOSTCACHE_MISS) return std::optional<T>();
    return failed<std::optional<T>>(status);
}

} // namespace detail

/// Settings of a store; a hostcache_set_options_t with its size in place.
class set_options {
  public:
    set_options() noexcept : is_(detail::ready<hostcache_set_options_t>()) {}
    set_options &ttl(milliseconds ttl) noexcept {
        is_.lifetime = HOSTCACHE_LIFETIME_TTL;
        is_.time_ms = static_cast<std::uint64_t>(ttl.count() < 0 ? 0 : ttl.count());
        return *this;
    }
    set_options &keep_ttl() noexcept { is_.lifetime = HOSTCACHE_LIFETIME_KEEP; return *this; }
    set_options &forever() noexcept { is_.lifetime = HOSTCACHE_LIFETIME_FOREVER; return *this; }
    set_options &flags(std::uint32_t flags) noexcept { is_.flags = flags; return *this; }
    set_options &encoding(std::uint8_t encoding) noexcept { is_.encoding = encoding; return *this; }
    set_options &only_if_absent() noexcept { is_.condition = HOSTCACHE_IF_ABSENT; return *this; }
    set_options &only_if_present() noexcept { is_.condition = HOSTCACHE_IF_PRESENT; return *this; }
    set_options &only_if_token(std::uint64_t token) noexcept {
        is_.condition = HOSTCACHE_IF_TOKEN;
        is_.cas_token = token;
        return *this;
    }
    const hostcache_set_options_t *get() const noexcept { return &is_; }

  private:
    hostcache_set_options_t is_;
};

/// A value with what is known of it.
struct item {
    std::string value;
    hostcache_item_info_t info;
};

/// An item held in place until this ends.
class pin {
  public:
    explicit pin(hostcache_pin_t *handle) noexcept : handle_(handle) {}
    /// The value, where it lies.
    bytes view() const noexcept { return {hostcache_pin_data(handle_.get()), hostcache_pin_len(handle_.get())}; }
    std::string_view text() const noexcept { return view().text(); }

  private:
    detail::owned<hostcache_pin_t, hostcache_unpin> handle_;
};

/// Memory to make a value in; gives it back unless it is published.
class reservation {
  public:
    explicit reservation(hostcache_reservation_t *handle) noexcept : handle_(handle) {}
    /// The value to be, all 0 at first.
    mutable_bytes view() const noexcept {
        return {hostcache_reservation_data(handle_.get()), hostcache_reservation_len(handle_.get())};
    }
    /// Stores the value; false if the condition was not met. Ends the reservation.
    result<bool> publish() { return detail::whether(hostcache_publish(handle_.release(), nullptr)); }

  private:
    detail::owned<hostcache_reservation_t, hostcache_cancel> handle_;
};

/// A cache: one region, attached.
class cache {
  public:
    static result<cache> create(const std::string &name, std::uint64_t capacity) {
        return opened([&](hostcache_t **out) { return hostcache_create(name.c_str(), capacity, out); });
    }
    static result<cache> open(const std::string &name) {
        return opened([&](hostcache_t **out) { return hostcache_open(name.c_str(), out); });
    }
    static result<cache> open_or_create(const std::string &name, std::uint64_t capacity) {
        return opened([&](hostcache_t **out) { return hostcache_open_or_create(name.c_str(), capacity, out); });
    }
    static result<cache> open_read_only(const std::string &name) {
        return opened([&](hostcache_t **out) { return hostcache_open_read_only(name.c_str(), out); });
    }
    static result<cache> create_private(std::uint64_t capacity) {
        return opened([&](hostcache_t **out) { return hostcache_create_private(capacity, out); });
    }
    /// The same with settings: make them ready by HOSTCACHE_INIT.
    static result<cache> create(const std::string &name, const hostcache_options_t &options) {
        return opened([&](hostcache_t **out) { return hostcache_create_with(name.c_str(), &options, out); });
    }
    static result<cache> open(const std::string &name, const hostcache_options_t &options) {
        return opened([&](hostcache_t **out) { return hostcache_open_with(name.c_str(), &options, out); });
    }
    static result<cache> open_or_create(const std::string &name, const hostcache_options_t &options) {
        return opened([&](hostcache_t **out) { return hostcache_open_or_create_with(name.c_str(), &options, out); });
    }
    static result<cache> create_memfd(const std::string &name, const hostcache_options_t &options) {
        return opened([&](hostcache_t **out) { return hostcache_create_memfd(name.c_str(), &options, out); });
    }
    /// The descriptor stays the caller's.
    static result<cache> open_fd(int fd) {
        return opened([&](hostcache_t **out) { return hostcache_open_fd(fd, nullptr, out); });
    }
    static result<void> destroy(const std::string &name) { return detail::done(hostcache_destroy(name.c_str())); }

    /// The value; nothing is a miss.
    result<std::optional<std::string>> get(std::string_view key) const {
        std::string value;
        status status = read(key, value, nullptr);
        return detail::perhaps(status, std::move(value));
    }
    /// Copies the value into a buffer, whose contents it replaces; false is a miss, and an empty buffer.
    result<bool> get_into(std::string_view key, std::string &value) const {
        return detail::whether(read(key, value, nullptr));
    }
    result<std::optional<item>> get_item(std::string_view key) const {
        item got{std::string(), detail::ready<hostcache_item_info_t>()};
        status status = read(key, got.value, &got.info);
        return detail::perhaps(status, std::move(got));
    }
    result<bool> contains(std::string_view key) const {
        return detail::whether(hostcache_contains(handle(), key.data(), key.size()));
    }

    result<void> set(std::string_view key, std::string_view value, milliseconds ttl = milliseconds(0)) {
        return detail::done(hostcache_set(handle(), key.data(), key.size(), value.data(), value.size(), ms(ttl)));
    }
    /// False if the condition was not met.
    result<bool> set(std::string_view key, std::string_view value, const set_options &options) {
        return detail::whether(
            hostcache_set_with(handle(), key.data(), key.size(), value.data(), value.size(), options.get(), nullptr));
    }
    result<bool> add(std::string_view key, std::string_view value, milliseconds ttl = milliseconds(0)) {
        return detail::whether(hostcache_add(handle(), key.data(), key.size(), value.data(), value.size(), ms(ttl)));
    }
    result<bool> replace(std::string_view key, std::string_view value, milliseconds ttl = milliseconds(0)) {
        return detail::whether(hostcache_replace(handle(), key.data(), key.size(), value.data(), value.size(), ms(ttl)));
    }
    result<bool> compare_and_swap(std::string_view key, std::string_view value, std::uint64_t token) {
        return set(key, value, set_options().only_if_token(token));
    }
    /// The new length; nothing if there is no such key.
    result<std::optional<std::size_t>> append(std::string_view key, std::string_view tail) {
        std::size_t len = 0;
        status status = hostcache_append(handle(), key.data(), key.size(), tail.data(), tail.size(), &len);
        return detail::perhaps(status, len);
    }
    result<std::optional<std::size_t>> prepend(std::string_view key, std::string_view head) {
        std::size_t len = 0;
        status status = hostcache_prepend(handle(), key.data(), key.size(), head.data(), head.size(), &len);
        return detail::perhaps(status, len);
    }
    /// The counter's value then; nothing if there is no such key.
    result<std::optional<std::uint64_t>> increment(std::string_view key, std::uint64_t by = 1) {
        std::uint64_t value = 0;
        status status = hostcache_increment(handle(), key.data(), key.size(), by, &value);
        return detail::perhaps(status, value);
    }
    result<std::optional<std::uint64_t>> decrement(std::string_view key, std::uint64_t by = 1) {
        std::uint64_t value = 0;
        status status = hostcache_decrement(handle(), key.data(), key.size(), by, &value);
        return detail::perhaps(status, value);
    }
    /// The same, where a missing key becomes `initial`.
    result<std::uint64_t> increment_or(std::string_view key, std::uint64_t by, std::uint64_t initial,
                                       milliseconds ttl = milliseconds(0)) {
        auto options = detail::ready<hostcache_counter_options_t>();
        options.has_initial = 1;
        options.initial = initial;
        options.ttl_ms = ms(ttl);
        std::uint64_t value = 0;
        status status = hostcache_increment_with(handle(), key.data(), key.size(), by, &options, &value);
        if (status != HOSTCACHE_OK) return detail::failed<std::uint64_t>(status);
        return value;
    }
    result<bool> touch(std::string_view key, milliseconds ttl) {
        return detail::whether(hostcache_touch(handle(), key.data(), key.size(), ms(ttl)));
    }
    /// The value, which has a new lifetime; nothing is a miss.
    result<std::optional<std::string>> get_and_touch(std::string_view key, milliseconds ttl) {
        return allocated([&](void **memory, std::size_t *len) {
            return hostcache_get_and_touch(handle(), key.data(), key.size(), HOSTCACHE_LIFETIME_TTL, ms(ttl), memory, len, nullptr);
        });
    }
    /// Whether there was one. (`delete` is a word of the language.)
    result<bool> erase(std::string_view key) {
        return detail::whether(hostcache_delete(handle(), key.data(), key.size()));
    }
    result<std::optional<std::string>> take(std::string_view key) {
        return allocated([&](void **memory, std::size_t *len) {
            return hostcache_take(handle(), key.data(), key.size(), memory, len, nullptr);
        });
    }
    /// How many there were.
    result<std::uint64_t> erase_prefix(std::string_view prefix) {
        std::uint64_t erased = 0;
        status status = hostcache_delete_prefix(handle(), prefix.data(), prefix.size(), &erased);
        if (status != HOSTCACHE_OK) return detail::failed<std::uint64_t>(status);
        return erased;
    }
    result<void> clear() { return detail::done(hostcache_clear(handle())); }

    /// The item in place; nothing is a miss.
    result<std::optional<hostcache::pin>> pin(std::string_view key) const {
        hostcache_pin_t *out = nullptr;
        status status = hostcache_pin(handle(), key.data(), key.size(), &out);
        return detail::perhaps(status, hostcache::pin(out));
    }
    result<hostcache::reservation> reserve(std::string_view key, std::size_t size, const set_options &options = {}) {
        hostcache_reservation_t *out = nullptr;
        status status = hostcache_reserve(handle(), key.data(), key.size(), size, options.get(), &out);
        if (status != HOSTCACHE_OK) return detail::failed<hostcache::reservation>(status);
        return hostcache::reservation(out);
    }

    /// Values in the order of the keys; nothing is a miss or what could not be read.
    result<std::vector<std::optional<std::string>>> get_many(const std::vector<std::string_view> &keys,
                                                             std::size_t usual_size = 512) const {
        std::vector<std::string> values(keys.size(), std::string(usual_size, '\0'));
        std::vector<hostcache_get_request_t> requests(keys.size());
        for (std::size_t i = 0; i < keys.size(); i++) {
            requests[i].key = keys[i].data();
            requests[i].key_len = keys[i].size();
            requests[i].buf = values[i].data();
            requests[i].buf_len = values[i].size();
        }
        status status = hostcache_get_many(handle(), requests.data(), requests.size());
        std::vector<std::optional<std::string>> found(keys.size());
        if (status != HOSTCACHE_OK) return detail::failed<std::vector<std::optional<std::string>>>(status);
        for (std::size_t i = 0; i < keys.size(); i++) {
            if (requests[i].status == HOSTCACHE_OK) {
                values[i].resize(requests[i].value_len);
                found[i] = std::move(values[i]);
            } else if (requests[i].status == HOSTCACHE_BUFFER_TOO_SMALL && read(keys[i], values[i], nullptr) == HOSTCACHE_OK) {
                found[i] = std::move(values[i]);
            }
        }
        return found;
    }
    /// Calls `visit(key, value, info)` for each item whose key begins with `prefix`, until it says false.
    template <class Visit> result<void> for_each(std::string_view prefix, Visit &&visit) const {
        hostcache_iterator_t *out = nullptr;
        status status = hostcache_items(handle(), prefix.data(), prefix.size(), 0, &out);
        if (status != HOSTCACHE_OK) return detail::failed<void>(status);
        detail::owned<hostcache_iterator_t, hostcache_iterator_free> iterator(out);
        const void *key, *value;
        std::size_t key_len, value_len;
        auto info = detail::ready<hostcache_item_info_t>();
        while ((status = hostcache_iterator_next(out, &key, &key_len, &value, &value_len, &info)) == HOSTCACHE_OK) {
            std::string_view k(static_cast<const char *>(key), key_len), v(static_cast<const char *>(value), value_len);
            if (!visit(k, v, info)) return result<void>();
        }
        return detail::done(status == HOSTCACHE_MISS ? HOSTCACHE_OK : status);
    }

    result<hostcache_stats_t> stats() const {
        auto stats = detail::ready<hostcache_stats_t>();
        status status = hostcache_stats(handle(), &stats);
        if (status != HOSTCACHE_OK) return detail::failed<hostcache_stats_t>(status);
        return stats;
    }
    result<hostcache_region_info_t> info() const {
        auto info = detail::ready<hostcache_region_info_t>();
        status status = hostcache_info(handle(), &info);
        if (status != HOSTCACHE_OK) return detail::failed<hostcache_region_info_t>(status);
        return info;
    }
    result<void> maintain() { return detail::done(hostcache_maintain(handle(), nullptr, nullptr)); }
    std::string name() const { return hostcache_name(handle()); }
    std::uint64_t capacity() const noexcept { return hostcache_capacity(handle()); }

    /// For what this wrapper does not have: hostcache.h's functions take it.
    hostcache_t *handle() const noexcept { return handle_.get(); }

  private:
    explicit cache(hostcache_t *handle) : handle_(handle, hostcache_close) {}

    static std::uint64_t ms(milliseconds ttl) noexcept {
        return static_cast<std::uint64_t>(ttl.count() < 0 ? 0 : ttl.count());
    }
    template <class Open> static result<cache> opened(Open &&open) {
        hostcache_t *out = nullptr;
        status status = open(&out);
        if (status != HOSTCACHE_OK) return detail::failed<cache>(status);
        return cache(out);
    }
    /// A value that the library allocates.
    template <class Read> static result<std::optional<std::string>> allocated(Read &&read) {
        void *memory = nullptr;
        std::size_t len = 0;
        status status = read(&memory, &len);
        detail::owned<void, hostcache_free> owned(memory);
        return detail::perhaps(status, std::string(static_cast<const char *>(memory ? memory : ""), len));
    }
    /// Reads into a string, which grows as long as the value does.
    status read(std::string_view key, std::string &value, hostcache_item_info_t *info) const {
        value.resize(value.capacity());
        for (;;) {
            std::size_t len = 0;
            status status;
            if (info != nullptr) {
                status = hostcache_get_item(handle(), key.data(), key.size(), value.data(), value.size(), info);
                len = info->value_len;
            } else {
                status = hostcache_get(handle(), key.data(), key.size(), value.data(), value.size(), &len);
            }
            if (status == HOSTCACHE_BUFFER_TOO_SMALL) {
                value.resize(len);
                continue;
            }
            value.resize(status == HOSTCACHE_OK ? len : 0);
            return status;
        }
    }

    std::shared_ptr<hostcache_t> handle_;
};

} // namespace hostcache

#endif
